"""What the list of a muon's losses tells of its energy: the limit of every calorimeter. Units: MeV and cm.

Bremsstrahlung, direct pairs and knock-on electrons above the threshold of the simulation are an inhomogeneous Poisson
process along the track. A list of losses i with process p_i, transfer eps_i and depth z_i has the likelihood ::

    ln L(E) = sum_i ln[ dSigma_{p_i}/deps (eps_i; E_i) ] - integral Sigma(E(z)) dz,  E_i = E - all that was lost before

with the macroscopic cross sections dSigma/deps [1/(cm MeV)] that the simulation samples from and their sum over the
processes and transfers, Sigma [1/cm]. The loss below the threshold does not depend on the energy, so it only shifts
E_i. With the prior p(E) of the sample ::

    limit_bits = log2[ p(E_true | list) / p(E_true) ] = log2[ L(E_true) / sum_k w_k L(E_k) ]

where the weights w_k of the points E_k sum to one over the prior. Its mean is the mutual information between energy
and list. Bending and multiple scattering also tell of the energy: ``limit_bits_track`` adds the likelihood of the
muon's positions, measured to 1 mm in each layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.calo_muon.settings import SimulationSettings
from hitforge.studies.calo_muon.simulation.kernels import compiled, compiled_to_disk, source_fingerprint
from hitforge.studies.calo_muon.simulation.material import MUON_MASS, Material
from hitforge.studies.calo_muon.simulation.muon_tables import MuonTables, macroscopic
from hitforge.studies.calo_muon.simulation.transport import (
    BREMSSTRAHLUNG,
    DEPTH,
    KNOCK_ON,
    LOST_BEFORE,
    PROCESS,
    TRACK_ERROR,
    TRANSFER,
    History,
    knock_on_shape,
    muon_loss,
)

Array = NDArray[np.float64]

_N_ENERGY, _N_TRANSFER = 64, 480
_N_PRIOR = 40  # points of the flat prior, uniform in the root of the energy
_NEVER: Final = -1e3  # ln of a cross section that is zero


class OracleTables(NamedTuple):
    """Cross sections for compiled code.

    A row is an energy, equally spaced in its logarithm; a column is u = ln[eps E / (E - eps)], equally spaced. For
    small transfers u is ln eps, so that the lower end of all spectra is one column; near eps = E it resolves what is
    left of the muon.

    Attributes
    ----------
    ln_low, per_row : float
        First energy (ln of MeV) and inverse of the spacing.
    u_low, per_column : float
        Likewise for u.
    ln_density : ndarray, shape (2, n_energy, n_transfer)
        ln of dSigma/deps in 1/(cm MeV): bremsstrahlung, pairs.
    ln_knock_on : float
        ln of (K/2) Z/A rho in MeV/cm: times ``knock_on_shape`` / T^2 it is dSigma/dT.
    rate : ndarray, shape (n_energy,), 1/cm
        Losses above the threshold, all three processes.
    threshold : float, MeV
        Smaller losses in a list only lower the energy of those that follow.
    """

    ln_low: float
    per_row: float
    u_low: float
    per_column: float
    ln_density: Array
    ln_knock_on: float
    rate: Array
    threshold: float


def build_oracle_tables(material: Material, muon: MuonTables, threshold: float) -> OracleTables:
    """Tabulate for losses above ``threshold`` (MeV); ``muon`` are the simulation's tables for that threshold."""
    ln_energy = np.linspace(muon.ln_energy[0], muon.ln_energy[-1], _N_ENERGY)
    # beyond the last column less than 0.5 GeV of a muon of the highest energy would be left: never simulated
    u = np.linspace(np.log(threshold), 2 * ln_energy[-1] - np.log(500.0), _N_TRANSFER)
    ln_density = np.full((2, _N_ENERGY, _N_TRANSFER), _NEVER)
    rate = np.interp(ln_energy, muon.ln_energy, muon.brems_rate + muon.pair_rate)
    knock_on = muon_loss(material, threshold).knock_on
    for i, energy in enumerate(np.exp(ln_energy)):
        transfer = np.exp(u) * energy / (energy + np.exp(u))
        for j, process in enumerate(("brems", "pair")):
            density = macroscopic(process, float(energy), transfer, material)
            filled = np.flatnonzero(density > 0)
            ln_density[j, i, filled] = np.log(density[filled])
            # the first column above the threshold of pairs stands for its neighbour below, which would spoil it
            ln_density[j, i, : filled[0]] = ln_density[j, i, filled[0]]
        electron = np.geomspace(threshold, energy, 2000)
        shape = np.array([knock_on_shape(float(energy), float(t)) for t in electron])
        rate[i] += knock_on * np.trapezoid(shape / electron, np.log(electron))
    return OracleTables(
        float(ln_energy[0]), float(1 / (ln_energy[1] - ln_energy[0])), float(u[0]), float(1 / (u[1] - u[0])),
        ln_density, float(np.log(knock_on)), rate, threshold,
    )  # fmt: skip


@compiled
def _lost_before(records: Array, n: int, k: int) -> float:
    """Energy lost before loss ``k``, MeV; ``n``: before the end, but for the continuous loss after the last."""
    if k < n:
        return float(records[k, LOST_BEFORE])
    return float(records[n - 1, LOST_BEFORE] + records[n - 1, TRANSFER]) if n else 0.0


@compiled
def log_likelihood(energy: float, records: Array, n: int, path: float, tables: OracleTables) -> float:
    """Return ln L of one list of losses for a muon that came with ``energy``; -inf if it could not have lost them.

    Parameters
    ----------
    energy : float, MeV
    records : ndarray, shape (>= n, 4)
        Rows of :class:`~hitforge.studies.calo_muon.simulation.transport.History`, by depth.
    path : float, cm
        Depth at which the muon left or stopped.
    """
    rows, columns = tables.ln_density.shape[1], tables.ln_density.shape[2]
    total = 0.0
    before = 0.0
    for k in range(n + 1):
        # the last round is the way from the last loss to the end
        e = energy - _lost_before(records, n, k)
        if e <= MUON_MASS:
            return -np.inf
        position = min(max((np.log(e) - tables.ln_low) * tables.per_row, 0.0), rows - 1.001)
        i = int(position)
        f = position - i
        depth = records[k, DEPTH] if k < n else path
        total -= (depth - before) * (tables.rate[i] * (1.0 - f) + tables.rate[i + 1] * f)
        before = depth
        if k == n or records[k, TRANSFER] <= tables.threshold:
            continue
        transfer = records[k, TRANSFER]
        if transfer >= e - MUON_MASS:
            return -np.inf
        if records[k, PROCESS] == KNOCK_ON:
            shape = knock_on_shape(e, transfer)
            if shape <= 0.0:
                return -np.inf
            total += tables.ln_knock_on + np.log(shape / (transfer * transfer))
        else:
            j = 0 if records[k, PROCESS] == BREMSSTRAHLUNG else 1
            u = np.log(transfer * e / (e - transfer))
            column = min(max((u - tables.u_low) * tables.per_column, 0.0), columns - 1.001)
            c = int(column)
            g = column - c
            low = tables.ln_density[j, i, c] * (1.0 - g) + tables.ln_density[j, i, c + 1] * g
            high = tables.ln_density[j, i + 1, c] * (1.0 - g) + tables.ln_density[j, i + 1, c + 1] * g
            total += low * (1.0 - f) + high * f
    return total


class Field(NamedTuple):
    """What bends and scatters the muon, for compiled code.

    Attributes
    ----------
    curvature : float, MeV/cm
        Slope per length times energy of a positive muon, towards -x.
    scattering : float, MeV2/cm
        Growth of the variance of the slope with the path, per plane, times energy squared.
    gap : float, cm
        Way in the field before the block.
    pitch : float, cm
        Depth of a layer.
    """

    curvature: float
    scattering: float
    gap: float
    pitch: float


@compiled
def track_log_likelihood(
    energy: float, start_x: float, start_y: float, track: Array, records: Array, n: int, field: Field
) -> float:
    """Return the log-likelihood of the positions in the layers, up to a constant: a Kalman filter without smoothing.

    Position and slope of each plane go from layer to layer: the field bends x, multiple scattering adds
    ``k / E^2 [[d^3/3, d^2/2], [d^2/2, d]]`` to their covariance over a way d, each layer measures the position.
    Fruhwirth, Nucl. Instrum. Meth. A 262 (1987) 444. The charge is not known: the mean over both.

    Parameters
    ----------
    energy : float, MeV
    start_x, start_y : float, cm
        Known entry point, where the field begins; the direction is that of the beam.
    track : ndarray, shape (n_z, 2), cm
    records : ndarray, shape (>= n, 4)
        Losses by depth: the energy along the way.
    """
    bend = field.curvature * field.gap / energy
    plus, minus, y = start_x - 0.5 * bend * field.gap, start_x + 0.5 * bend * field.gap, start_y
    plus_slope, minus_slope, y_slope = -bend, bend, 0.0
    c_xx = c_xs = c_ss = 0.0
    log_plus = log_minus = log_y = 0.0
    at = 0
    for layer in range(len(track)):
        if np.isnan(track[layer, 0]):
            break
        d = field.pitch if layer else 0.5 * field.pitch
        while at < n and records[at, DEPTH] < layer * field.pitch:
            at += 1
        lost = (
            records[at, LOST_BEFORE]
            if at < n
            else (records[n - 1, LOST_BEFORE] + records[n - 1, TRANSFER] if n else 0.0)
        )
        e = max(energy - lost, MUON_MASS)
        turn = field.curvature * d / e
        plus, minus, y = plus + d * (plus_slope - 0.5 * turn), minus + d * (minus_slope + 0.5 * turn), y + d * y_slope
        plus_slope -= turn
        minus_slope += turn
        k = field.scattering / (e * e)
        c_xx += 2.0 * d * c_xs + d * d * c_ss + k * d * d * d / 3.0
        c_xs += d * c_ss + k * d * d / 2.0
        c_ss += k * d
        variance = c_xx + TRACK_ERROR * TRACK_ERROR
        gain, gain_slope = c_xx / variance, c_xs / variance
        off_plus, off_minus, off_y = track[layer, 0] - plus, track[layer, 0] - minus, track[layer, 1] - y
        half_log = 0.5 * np.log(variance)
        log_plus -= 0.5 * off_plus * off_plus / variance + half_log
        log_minus -= 0.5 * off_minus * off_minus / variance + half_log
        log_y -= 0.5 * off_y * off_y / variance + half_log
        plus, plus_slope = plus + gain * off_plus, plus_slope + gain_slope * off_plus
        minus, minus_slope = minus + gain * off_minus, minus_slope + gain_slope * off_minus
        y, y_slope = y + gain * off_y, y_slope + gain_slope * off_y
        c_ss -= gain_slope * c_xs
        c_xs -= gain * c_xs
        c_xx -= gain * c_xx
    high = max(log_plus, log_minus)
    return float(log_y + high + np.log(0.5 * (np.exp(log_plus - high) + np.exp(log_minus - high))))


def _build(fingerprint: int) -> Callable[..., Array]:
    @compiled_to_disk
    def bits_of_histories(
        energy: Array, x: Array, y: Array, history: History, points: Array, weights: Array, tables: OracleTables,
        field: Field,
    ) -> Array:  # fmt: skip
        """Return log2[L(E_true) / sum_k w_k L(E_k)], shape (n, 2): of the losses, of losses and track."""
        bits = np.zeros((len(energy), 2))
        if fingerprint < 0:  # never: ties the cached machine code to the source
            return bits
        for m in range(len(energy)):
            records, n, path, track = history.records[m], history.number[m], history.path[m], history.track[m]
            true_losses = log_likelihood(energy[m], records, n, path, tables)
            true_track = track_log_likelihood(energy[m], x[m], y[m], track, records, n, field)
            for k in range(len(points)):
                ratio = log_likelihood(points[k], records, n, path, tables) - true_losses
                if ratio == -np.inf:
                    continue
                bits[m, 0] += weights[k] * np.exp(min(ratio, 700.0))
                ratio += track_log_likelihood(points[k], x[m], y[m], track, records, n, field) - true_track
                bits[m, 1] += weights[k] * np.exp(min(ratio, 700.0))
        return -np.log2(bits)

    return bits_of_histories


_bits_of_histories = _build(source_fingerprint())


def prior_points(
    settings: SimulationSettings, spectrum: Literal["flat", "discrete"], n: int = _N_PRIOR
) -> tuple[Array, Array]:
    """Return energies (MeV) and weights that sum to one: the spectrum as a sum over points.

    Flat: ``n`` points uniform in the root of the energy with the weights of the trapezium rule. Discrete: its energies.
    """
    if spectrum == "discrete":
        points = 1e3 * np.array(settings.discrete_energies_gev)
        return points, np.full(len(points), 1 / len(points))
    root = np.linspace(np.sqrt(1e3 * settings.e_min_gev), np.sqrt(1e3 * settings.e_max_gev), n)
    weights = root.copy()
    weights[[0, -1]] /= 2
    return root**2, weights / weights.sum()


def limit_bits(
    history: History, energy: Array, x: Array, y: Array, tables: OracleTables, field: Field, prior: tuple[Array, Array]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return log2[ p(E_true | what is known) / p(E_true) ] of each muon.

    Parameters
    ----------
    history : History
        Of N muons.
    energy : ndarray, shape (N,), MeV
        True energies.
    x, y : ndarray, shape (N,), cm
        Entry points.
    prior : tuple of two ndarrays, shape (n_points,)
        See :func:`prior_points`.

    Returns
    -------
    losses : ndarray, shape (N,), float32, bit
        Known is the list of losses.
    losses_and_track : ndarray, shape (N,), float32, bit
        Known are the list and the measured track.
    """
    bits = _bits_of_histories(energy, x, y, history, *prior, tables, field).astype(np.float32)
    return bits[:, 0], bits[:, 1]
