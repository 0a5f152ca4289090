"""From passages to a checked answer: judge, quote, cite, settle."""
