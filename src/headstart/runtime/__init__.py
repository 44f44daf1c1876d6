"""The machine that work runs on: device, threads, memory, precision, interrupts, deadlines, progress, files that last."""
