"""A stage that starts from a released file, and those after it, which no longer need the file."""

from pathlib import Path

import pytest
import torch

from populations.toy import Toy
from posebridge.engine.artifacts import Store
from posebridge.engine.predictors import find_predictor
from posebridge.engine.train import deployed
from posebridge.engine.work import finish_population, make_shard, stage_path, train_stage
from posebridge.estimators.decoders import Msra
from posebridge.estimators.released import released
from posebridge.estimators.simple_baseline import SimpleBaseline
from posebridge.methods.supervised import Supervised
from posebridge.stages import Budget, Feed, Stage

TOY = Toy(train=4, test=0)


@pytest.mark.slow
def test_only_the_stage_that_starts_from_a_file_reads_it(tmp_path: Path) -> None:
    path, uri = tmp_path / "released.pth", str(tmp_path / "store")
    torch.manual_seed(5)
    torch.save(SimpleBaseline(18, 32, 32).build().state_dict(), path)
    released_state = torch.load(path)
    # Our own names are mmpose's but for the head.
    theirs = {
        "deconvolutions.stride16.0": "head.deconv_layers.0",
        "deconvolutions.stride16.1": "head.deconv_layers.1",
        "deconvolutions.stride8.0": "head.deconv_layers.3",
        "deconvolutions.stride8.1": "head.deconv_layers.4",
        "deconvolutions.stride4.0": "head.deconv_layers.6",
        "deconvolutions.stride4.1": "head.deconv_layers.7",
        "output": "head.final_layer",
    }
    renamed = {}
    for name, value in released_state.items():
        for ours, other in theirs.items():
            name = name.replace(ours, other)
        renamed[name] = value
    torch.save({"state_dict": renamed}, path)
    file = released(str(path))

    def stage(name: str, steps: int, start: Stage | None = None) -> Stage:
        architecture = SimpleBaseline(18, 32, 32, weights=file, decoder=Msra())
        source = (Feed(TOY, "train", 2),) if steps else ()
        return Stage(
            name, Supervised(), architecture, source, None, Budget(steps, threads=1), start=start
        )

    make_shard(uri, TOY, "train", 0)
    finish_population(uri, TOY)
    as_released = stage("as released", 0)
    train_stage(uri, as_released, False)
    path.unlink()
    store = Store(uri)
    stored = store.read(f"{stage_path(as_released)}/weights.safetensors")
    _, estimator = deployed(as_released, stored)
    torch.testing.assert_close(estimator.state_dict(), released_state)
    further = stage("further", 1, as_released)
    train_stage(uri, further, False)
    for one in (as_released, further):
        assert find_predictor(store, one.key()).skeleton.name == "coco17"
    with pytest.raises(ValueError, match=r"Released weights must be at .*released\.pth, but File"):
        train_stage(uri, stage("from the file again", 1), False)
