"""What can be known to go wrong before anything is submitted (``python -m hitforge check``)."""
