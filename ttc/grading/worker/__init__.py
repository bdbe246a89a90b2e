"""What runs inside the process that can be killed, and the texts' part of grading that both sides use.

`python -m ttc.grading.worker` is that process, `process.Worker` its other end. `judge` says whether two
answers are equal: `latex` and `forms` read texts and plain numbers, `values` and `units` other ways to write
a number, `shapes` lists, intervals, sets and matrices, `expressions` asks math-verify (its `grammar` reads),
`identity` compares at points.
"""
