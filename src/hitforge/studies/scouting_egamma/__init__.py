"""Energies of electrons and photons from the calorimeter data that the trigger stores for scouting."""
