"""What every Python service of the staging stack shares."""
