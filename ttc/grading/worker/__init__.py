"""What runs inside the process that can be killed, and the texts' part of grading that both sides use.

`python -m ttc.grading.worker` is that process, `process.Worker` its other end. `judge` says whether two
answers are equal: `plain`, `latex` and `forms` read texts and plain numbers, `values` and `units` other ways
to write one, `names` what an answer is called, `ranges` inequalities, `shapes` lists, intervals, sets and
matrices, `expressions` whole expressions by math-verify's
`grammar`, `identity` compares them at points.
"""
