"""A model of what Tearoff gives on more cores than were there to measure: docs/SCALING.md."""
