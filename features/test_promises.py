"""Binds every feature file of this folder; the steps are in features/steps."""

from pytest_bdd import scenarios

scenarios(".")
