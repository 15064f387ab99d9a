"""What each verb of the ``hub`` command does: functions that the command line and the tests call."""
