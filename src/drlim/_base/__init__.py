"""The borders with the user, numpy, torch and the disk."""
