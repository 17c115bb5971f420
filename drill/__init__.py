"""The words of a drill: events, journal, moments, verdicts, durations, errors. Imports no room."""
