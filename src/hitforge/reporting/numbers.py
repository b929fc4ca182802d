"""How numbers are printed: digits by the error (the rule of the Particle Data Group), never more than is known."""

from __future__ import annotations

import math

from hitforge.reporting.chapter import Cell, Measured

NO_VALUE = "—"
PLUS_MINUS = "±"
MINUS = "−"
GROUP = "\u202f"
"""Narrow no-break space between groups of three digits."""
MOST_DIGITS = 6
"""Of a number with an error, however small that is: no result of a simulation is known better."""
PERCENTAGE_POINTS = "pp"


def unit_of_difference(unit: str) -> str:
    """Return the unit of a difference of two numbers: that of percentages is in percentage points."""
    return PERCENTAGE_POINTS if unit == "%" else unit


def decimals_of_error(error: float) -> int:
    """Return the decimals that an error deserves: two digits up to 354, one digit from 355 to 949.

    Negative for errors of tens and more: ``-1`` rounds to tens.
    """
    exponent = math.floor(math.log10(error))
    leading = round(error / 10.0 ** (exponent - 2))
    if leading >= 950:
        # 0.095 to 0.0999 becomes 0.10: the next decade with two digits
        return -exponent
    return (1 if leading < 355 else 0) - exponent


def fixed(value: float, decimals: int) -> str:
    """Return a number with fixed decimals, a real minus sign and grouped thousands."""
    rounded = round(value, decimals)
    text = f"{abs(rounded):,.{max(decimals, 0)}f}"
    if abs(rounded) < 10_000:
        text = text.replace(",", "")
    sign = MINUS if rounded < 0 else ""
    return sign + text.replace(",", GROUP)


def plain(value: float) -> str:
    """Return a number without error: four significant digits, all digits before the point."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -4:
        mantissa, power = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(power)}".replace("-", MINUS)
    return fixed(value, 0 if float(value).is_integer() else max(3 - exponent, 0))


def measured(cell: Measured) -> str:
    """Return ``value ± error``, the value alone, or an em dash."""
    if cell.value is None:
        return NO_VALUE
    if cell.error is None or cell.error == 0:
        value = plain(cell.value) if cell.decimals is None else fixed(cell.value, cell.decimals)
        return value if cell.error is None else f"{value} {PLUS_MINUS} 0"
    decimals = cell.decimals
    if decimals is None:
        most = MOST_DIGITS - 1 - math.floor(math.log10(abs(cell.value) or cell.error))
        decimals = min(decimals_of_error(cell.error), most)
    error = fixed(cell.error, decimals)
    if decimals > 0 and not error.strip("0."):
        error = f"<{10.0**-decimals:.{decimals}f}"
    return f"{fixed(cell.value, decimals)} {PLUS_MINUS} {error}"


def cell_text(cell: Cell) -> str:
    """Return the text of any cell, without its footnote mark."""
    match cell:
        case None:
            return NO_VALUE
        case str():
            return cell
        case int():
            return fixed(cell, 0)
        case float():
            return plain(cell)
        case Measured():
            return measured(cell)
