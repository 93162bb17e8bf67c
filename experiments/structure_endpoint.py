"""Where should paths lead at inference, and what may a step see of the one before?

Run:     posebridge run experiments/structure_endpoint.py
Cost:    18 trainings of 400 to 800 steps on rendered crowds, 40 minutes on 2 cores
Expect:  "backbone" is no worse than "latest": it is what the UNet was trained on; ending when two
         steps agree costs nothing measurable and saves half of the steps

The paper's text takes what the backbone found as the end of every path (the 73.7 of COCO val),
its algorithm 2 what the step before found; the caption of its figure 3 also shows the step before.
All rows but those that show it are trained alike, so that they differ in inference alone.
"""

from dataclasses import replace

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.networks.stepping import Stepping
from posebridge.populations.adult import Adult
from posebridge.populations.crowd import Crowd
from posebridge.selection import Fixed
from posebridge.stages import Budget, Feed, System
from posebridge.systems import structure_guided

CROWDS = Crowd()
ROWS = structure_guided.embedded(
    Lightning(),
    (Feed(CROWDS, "train", 12),),
    Budget(400, warmup_steps=25, threads=1),
    Budget(800, warmup_steps=25, threads=1),
)


def row(name: str, stepping: Stepping) -> System:
    """A row of the table."""
    stepping = replace(stepping, decoder=ROWS.method.stepping.decoder)
    return ROWS.row(name, replace(ROWS.method, stepping=stepping))


EXPERIMENT = Experiment(
    name="structure_endpoint",
    question="Where should paths lead at inference?",
    systems=(
        ROWS.baseline(),
        row("backbone (paper 73.7)", Stepping()),
        row("latest", Stepping(endpoint="latest")),
        row("until two steps agree", Stepping(agreement_px=1.0)),
        row("step before shown", Stepping(concat_previous=True)),
        row("latest, step before shown", Stepping(endpoint="latest", concat_previous=True)),
    ),
    targets=(Adult(train=0, validation=0, test=100), CROWDS),
    selection=Fixed(),
    seeds=(0, 1, 2),
)
