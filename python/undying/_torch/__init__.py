"""Watching a PyTorch network. Imported with the first call of undying.watch(); nothing else of the package needs torch."""
