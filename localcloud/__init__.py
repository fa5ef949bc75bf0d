"""The three clouds on one machine: provider stand-ins behind Pulumi's own provider protocol."""
