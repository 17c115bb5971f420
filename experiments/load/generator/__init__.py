"""
Locust, in a process of its own: it makes all of the process's waiting cooperative.

Nothing of the drill imports this; it is started as `python -m experiments.load.generator`.
"""
