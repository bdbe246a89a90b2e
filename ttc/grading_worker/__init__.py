"""What runs inside the process that can be killed, and the texts' part of grading that both sides use.

`python -m ttc.grading_worker` is that process, `process.Worker` its other end. `judge` says whether two
answers are equal: `latex` and `forms` read texts and plain numbers, `values` other ways to write a number,
`shapes` lists, intervals, sets and matrices, `identity` compares expressions at points.
"""
