"""The chapter of the report on muon energies."""
