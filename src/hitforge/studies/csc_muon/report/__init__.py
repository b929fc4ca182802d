"""The chapter of csc_muon in the report."""
