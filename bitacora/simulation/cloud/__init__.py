"""The services of AWS that the pipeline uses, in memory, as the SDK's clients show them."""
