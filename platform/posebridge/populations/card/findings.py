"""What somebody should know before using a population, in words; leaks between splits first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from posebridge.populations.card.attributes import Category, Quantity
from posebridge.populations.card.facts import Facts
from posebridge.populations.card.places import TRAIN

RARE = 0.02
"""A value that fewer people than this share have is too rare to say anything about."""
FAR_OUTSIDE = 0.01
"""Share of labelled keypoints outside of their box that is worth a word."""
NAMED = 3


@dataclass(frozen=True)
class Finding:
    """One thing to know.

    Attributes:
        is_leak: whether splits share what they must not.
        text: a sentence, with what to do where something can be done.
    """

    is_leak: bool
    text: str


def findings(told: Facts) -> tuple[Finding, ...]:
    """All that is worth a word, leaks first."""
    leaks = (Finding(True, text) for text in _leaks(told))
    others = (Finding(False, text) for text in _others(told))
    return (*leaks, *others)


def _leaks(told: Facts) -> Iterator[str]:
    for common in told.shared:
        number = _counted(len(common.names), common.kind)
        yield (
            f"{common.first} and {common.second} share {number}: {_named(common.names)}. "
            "Assign each to one split, and import again."
        )
    for found in told.duplicates:
        if found.split == found.of or not found.near:
            continue
        twins = found.examples[0]
        exact = f", {found.exact} of them byte by byte" if found.exact else ""
        yield (
            f"{found.split} has {_counted(found.near, 'images')} near-identical to images of "
            f"{found.of}{exact}: such as {twins.second.image_id} and {twins.first.image_id}. "
            "Look at them, and keep each scene in one split."
        )


def _others(told: Facts) -> Iterator[str]:
    yield from _repeated(told)
    yield from _labels(told)
    yield from _balance(told.attributes)


def _repeated(told: Facts) -> Iterator[str]:
    for found in told.duplicates:
        if found.split != found.of:
            continue
        if found.near:
            twins = found.examples[0]
            exact = f", {found.exact} of them byte by byte" if found.exact else ""
            yield (
                f"{found.split} has {_counted(found.near, 'images')} near-identical to another of "
                f"its own{exact}: such as {twins.first.image_id} and {twins.second.image_id}."
            )
        if found.frames:
            yield (
                f"{found.split} has {_counted(found.frames, 'images')} near-identical to another "
                "frame of their sequence: they count for fewer than they are."
            )


def _labels(told: Facts) -> Iterator[str]:
    for split in told.splits:
        for reason, count in split.left_out.items():
            yield f"{split.split}: {count} left out ({reason})."
    never = [v.keypoint for v in told.visibility if not v.hidden + v.seen]
    if never:
        yield f"Never labelled: {', '.join(never)}. Metrics and losses know nothing of them."
    labelled = sum(v.hidden + v.seen for v in told.visibility)
    if labelled and not any(v.hidden for v in told.visibility):
        yield "No keypoint is marked as hidden: occlusion is not known here."
    if told.occlusion.unlabelled:
        yield f"Without any labelled keypoint: {_counted(told.occlusion.unlabelled, 'people')}."
    outside = sum(place.outside for place in told.places)
    if outside > FAR_OUTSIDE * labelled:
        yield (
            f"{outside / labelled:.1%} of the labelled keypoints lie outside their person's box: "
            "check the boxes."
        )
    if TRAIN not in {split.split for split in told.splits}:
        yield "There is no split train, so the floor of the mean pose is not known."


def _balance(attributes: Sequence[Category | Quantity]) -> Iterator[str]:
    constant = [f"{a.name} {value}" for a in attributes if (value := _only_value(a)) is not None]
    if constant:
        yield f"The same for everybody: {', '.join(constant)}."
    for attribute in attributes:
        rare = _rare_values(attribute)
        if rare:
            yield f"{attribute.name} has values below {RARE:.0%}: {', '.join(rare)}."
    for attribute in attributes:
        if attribute.missing:
            yield f"{attribute.name} is not given for {_counted(attribute.missing, 'people')}."


def _only_value(attribute: Category | Quantity) -> str | None:
    """The value that all people have who have any; None where there are several."""
    if isinstance(attribute, Category):
        return repr(attribute.values[0]) if attribute.totals == (attribute.people,) else None
    about = attribute.summary
    return f"{about.minimum:g}" if about.minimum == about.maximum else None


def _rare_values(attribute: Category | Quantity) -> list[str]:
    if isinstance(attribute, Quantity):
        return []
    rare = [
        f"{value!r} {count / attribute.people:.1%}"
        for value, count in zip(attribute.values, attribute.totals, strict=True)
        if count < RARE * attribute.people
    ]
    return [*rare, f"{attribute.other_values} other values"] if attribute.others else rare


def _counted(count: int, things: str) -> str:
    """A number of things in words; `things` is their plural."""
    one = {"people": "person"}.get(things, things.removesuffix("s"))
    return f"{count:,} {one if count == 1 else things}"


def _named(names: tuple[str, ...]) -> str:
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest
