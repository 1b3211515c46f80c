"""What lies in the merchants' inboxes: scanning, polling for the triggerer, cleaning up after a load."""
