"""Rendered people in the dark: two ages by two lights, so that neither passes for the other.

|        | bright                                | dark                                |
|--------|---------------------------------------|-------------------------------------|
| adult  | `LowLight(age="adult", light="bright")` | `LowLight(age="adult")`           |
| old    | `LowLight(age="elder", light="bright")` | `LowLight(age="elder")`           |

As in ExLPose, the bright and the dark picture of an index show the same scene: only exposure and
grain differ, and no label. At either age an index has the same room, lamp, camera, gender, build
and tone of skin; age brings grey hair, a stoop and walking aids with it.

The exposures were set by how published MoveNet Lightning does on the training split, before
anything was adapted.
"""

from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.embedded import SinglePerson
from posebridge.populations.photographs import Photograph, photograph
from posebridge.synthesis.darkness import darkened, draw_darkness
from posebridge.synthesis.room_scenes import adult_room_scene, elder_room_scene

AGES = {"adult": adult_room_scene, "elder": elder_room_scene}
LIGHTS = ("dark", "bright")


@dataclass(frozen=True)
class LowLight(SinglePerson):
    """Adults or old people in rooms, by good light or by hardly any.

    Attributes:
        age: "adult" or "elder".
        light: "dark" or "bright".
        darkest: least share of the bright picture's light, in (0, 1].
        lightest: largest share of it, at least `darkest` and at most 1.
    """

    name: ClassVar[str] = "low-light"

    train: int = 500
    validation: int = 100
    test: int = 300
    age: str = "adult"
    light: str = "dark"
    darkest: float = 0.04
    lightest: float = 0.2

    def __post_init__(self) -> None:
        """Refuse unknown ages and lights, and a range of exposures that is none."""
        super().__post_init__()
        if self.age not in AGES:
            raise ValueError(f"age must be one of {', '.join(AGES)}, but got {self.age!r}.")
        if self.light not in LIGHTS:
            raise ValueError(f"light must be one of {', '.join(LIGHTS)}, but got {self.light!r}.")
        if not 0.0 < self.darkest <= self.lightest <= 1.0:
            raise ValueError(
                "Exposures must satisfy 0 < darkest <= lightest <= 1, but got "
                f"darkest={self.darkest} and lightest={self.lightest}. 1 is as bright as day."
            )

    @property
    def label(self) -> str:
        """The name, and each knob that differs from adults in the dark."""
        age = "" if self.age == "adult" else f" {self.age}"
        light = "" if self.light == "dark" else f" {self.light}"
        usual = (LowLight.darkest, LowLight.lightest)
        span = (self.darkest, self.lightest)
        return self.name + age + light + ("" if span == usual else " {:g}–{:g}".format(*span))

    def photo(self, split: str, index: int) -> Photograph:
        """Render one person."""
        scene = AGES[self.age](self.streams(split, index), roll_deg=30.0)
        if self.light == "dark":
            rng = self.generator(split, index, "darkness")
            scene = darkened(scene, draw_darkness(rng, (self.darkest, self.lightest)))
        return photograph(scene, supersample=2)
