"""What a page shows, read for its viewer and nobody else: each module turns visible resources into small values."""
