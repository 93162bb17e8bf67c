from posebridge import losses, methods
from posebridge.discovery import concrete_classes
from posebridge.methods.base import TrainingMethod
from posebridge.methods.supervised import Supervised


def test_every_class_of_a_package_is_found_but_no_abstract_one() -> None:
    found = concrete_classes(methods.__name__)
    assert Supervised in found
    assert TrainingMethod not in found


def test_a_package_without_classes_of_its_own_gives_what_it_imports() -> None:
    assert "LabeledBatch" in {kind.__name__ for kind in concrete_classes(losses.__name__)}
