"""Is this answer right? Extraction, equivalence, graders by name, groups of equal answers (semantics,
"Grading").

Most answers are plain numbers, and those are decided here, exactly. The rest is read by math-verify's grammar
in processes of their own that can be killed (`ttc.grading.worker`): sympy can hang (`9^{9^9}`). Left out
on purpose: threads, multiprocessing (its spawn dies under `python -` and in notebooks), and any retry: a
timeout is a verdict. docs/grading.md has the rules and what they reach.
"""

from ttc.grading.equivalence import equivalent, group
from ttc.grading.extraction import EXTRACTIONS, extract, last_box, name_reading
from ttc.grading.graders import GRADERS, LIMIT, Grader, MathVerify, Status, Verdict, make_grader
from ttc.grading.worker.forms import Form, decide, normal_form
