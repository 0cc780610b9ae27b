"""How each row of the table is measured: functions from a stage to samples."""
