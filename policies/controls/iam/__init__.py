"""Identity and access: everybody and everything has a name, little power, and no password to lose."""

from policies import Theme

control = Theme("iam", "Identity and access").control

GRANTS = (
    *("gcp:projects/iAMMember:IAMMember", "gcp:organizations/iAMMember:IAMMember", "gcp:folder/iAMMember:IAMMember"),
    *("gcp:serviceaccount/iAMMember:IAMMember", "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"),
    *("gcp:kms/keyRingIAMMember:KeyRingIAMMember", "gcp:dns/dnsManagedZoneIamMember:DnsManagedZoneIamMember"),
    *("gcp:secretmanager/secretIamMember:SecretIamMember", "gcp:pubsub/topicIAMMember:TopicIAMMember"),
)
"""The types by which Google Cloud gives one member a role, beside those that other themes look at."""
BINDINGS = tuple(token.replace("Member", "Binding") for token in GRANTS)
"""The same for several members at once."""
POLICIES = tuple(token.replace("Member", "Policy") for token in GRANTS)
"""The same for all roles at once, as a document."""
