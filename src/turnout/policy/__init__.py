"""Who may serve a request, and which of them does: eligibility first, then a fold of steps."""
