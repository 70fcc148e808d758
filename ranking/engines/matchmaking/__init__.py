"""Which contestants to show next: policies as pure functions, and the probability of every set they choose."""
