"""How far the joints of infants reach, by age, from published measurements.

Infants are born flexed: hips, knees and elbows do not straighten fully for months.

| joint | measured | source |
|---|---|---|
| hip | lacks 19° of extension at 6 weeks, 7° at 3 months; turns out farther than in | [0] |
| hip | the lack of extension differs by 8° (one deviation) between newborns | [1] |
| knee | lacks 21.4° of extension at birth, 10.7° at 3 months, 3.3° at 6 months | [2] |
| elbow | lacks 19.2° of extension at birth, flexes to 159.3° | [3] |
| neck | turns by 110° and leans by 70° to either side, at 2 to 10 months | [4] |

Between and beyond these ages the numbers are straight lines. The ranges of shoulders, wrists,
ankles and the spine, and where the elbow's lack ends (6 months), are set by hand. Measured ranges
are passive ones; what infants do by themselves is drawn well inside them.

Sources:
    [0] Coon, Donato, Houser, Bleck, Normal ranges of hip motion in infants six weeks, three months
        and six months of age, Clin Orthop 110, 1975, https://pubmed.ncbi.nlm.nih.gov/1157391
    [1] Haas, Epps, Adams, Normal ranges of hip motion in the newborn, Clin Orthop 91, 1973
    [2] Broughton, Wright, Menelaus, Range of knee motion in normal neonates, J Pediatr Orthop 13,
        1993, https://pubmed.ncbi.nlm.nih.gov/8459024
    [3] Vidhi, Parmar, Khandare, Palekar, Measurement of elbow range of motion in fullterm neonate,
        IJSAE, http://ijsae.in/index.php/ijsae/article/view/262
    [4] Öhman, Beckung, Reference values for range of motion and muscle function of the neck in
        infants, Pediatr Phys Ther 20, 2008
"""

import numpy as np

from posebridge.synthesis.pose_samples import Limits

_AGES, _MONTHS = (-1 / 3, 0.0, 0.05), (0.0, 6.0, 12.0)  # by the length of the body, see Phenotype


def months_of(age: float) -> float:
    """Months since birth of a phenotype's age: its newborn measures 51 cm, its baby (0) 67 cm.

    Example:
        >>> months_of(-1 / 3), months_of(0.0)
        (0.0, 6.0)
    """
    return float(np.interp(age, _AGES, _MONTHS))


def infant_limits(months: float) -> Limits:
    """Range of motion of an infant, degrees.

    Args:
        months: since birth, 0 to 12.

    Returns:
        Limits for `clip_angles`.

    Example:
        >>> infant_limits(3.0).hip[0][0], round(infant_limits(3.0).knee[0], 1)
        (7.0, 10.7)
    """
    hip = float(np.interp(months, (0.0, 1.4, 3.0, 9.0), (29.5, 19.0, 7.0, 0.0)))
    knee = float(np.interp(months, (0.0, 3.0, 6.0, 9.0), (21.4, 10.7, 3.3, 0.0)))
    elbow = float(np.interp(months, (0.0, 6.0), (19.2, 0.0)))
    return Limits(
        hip=((hip, 130.0), (-5.0, 80.0), (-30.0, 85.0)),
        knee=(knee, 145.0),
        ankle=((-40.0, 40.0), (-20.0, 30.0)),
        shoulder=((-40.0, 150.0), (0.0, 140.0), (-60.0, 90.0)),
        elbow=(elbow, 145.0),
        wrist=((-75.0, 60.0), (-80.0, 80.0)),
        fist=(0.0, 85.0),
        spine=((-30.0, 40.0), (-25.0, 25.0), (-25.0, 25.0)),
        neck=((-55.0, 40.0), (-35.0, 35.0), (-90.0, 90.0)),
    )
