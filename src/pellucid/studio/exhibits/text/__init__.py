"""Recurrent networks read a text and go on with it: RNN, LSTM and GRU side by side."""
