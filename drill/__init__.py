"""The words of a drill: events, journal, moments, verdicts, durations and errors. Imports none of ours."""
