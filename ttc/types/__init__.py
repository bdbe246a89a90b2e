"""The nouns (paths.py), the verbs (verbs.py), the engines' requests (engines.py), valid values, faults.

Read paths.py and verbs.py first: a strategy needs no more.
"""

from ttc.types.ending import MEASURES, Ending
from ttc.types.engines import (
    YOUNGER,
    ComparingModel,
    Draw,
    EngineStats,
    Judgement,
    ModelFacts,
    PolicyModel,
    Prompt,
    Query,
    Sample,
    Sampling,
    VerifierModel,
    context_sum,
)
from ttc.types.errors import (
    Cut,
    EngineDied,
    Faults,
    Interrupted,
    OutOfMemory,
    Told,
    TooLong,
    TooManyFailures,
    TransientError,
    Unwritable,
    UserError,
    did_you_mean,
    in_a_line,
)
from ttc.types.floor import Floor, Watch, first_below, lowest_group
from ttc.types.paths import Finish, Path, Problem, Step, StepEnd, total
from ttc.types.places import place_of
from ttc.types.ranges import (
    INT,
    LONG,
    Contents,
    Count,
    FolderName,
    Names,
    Natural,
    Naturals,
    NotNegative,
    OneOf,
    Positive,
    PositiveShare,
    Share,
    Spelled,
    Steps,
    Tags,
    Words,
    either,
)
from ttc.types.reference import Reference
from ttc.types.secrets import MASK, NOT_KEPT, keep_secret, mask, mask_all
from ttc.types.verbs import Bill, Budget, Context, Policy, Strategy, Verifier
