"""Keys and secrets: they change, they end, they are not lost at once, and each is for one thing."""

from policies import Theme

control = Theme("key-rotation", "Keys and secrets").control

AWS_KEY, AZURE_KEY, GCP_KEY = "aws:kms/key:Key", "azure-native:keyvault:Key", "gcp:kms/cryptoKey:CryptoKey"
ENCRYPTS = "ENCRYPT_DECRYPT"
"""What AWS and Google Cloud call the use of a symmetric key."""
