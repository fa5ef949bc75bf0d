"""The three clouds on one machine: provider emulators behind Pulumi's own provider protocol."""
