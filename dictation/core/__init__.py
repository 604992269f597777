"""Pure logic: numpy, scipy and the standard library. No Qt, no torch, no devices, no clock reads."""
