"""Time series: windows of the past, forecasts of the future."""
