"""Matrix work that libraries spread over threads of their own."""

import os

import numpy


def multiply(size):
    matrix = numpy.ones((size, size))
    for _ in range(3):
        matrix = matrix @ matrix / size
    return float(matrix[0, 0])


def threads():
    return len(os.listdir("/proc/self/task"))
