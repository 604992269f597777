"""Pure logic: numpy and the standard library. No Qt, no torch, no devices, no clock reads."""
