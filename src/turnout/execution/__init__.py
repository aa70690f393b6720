"""Shape a request for one model, plan its attempts, drive them."""
