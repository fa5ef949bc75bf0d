"""The functions that programs call on a provider."""

from __future__ import annotations

import base64
import json

import grpc
import pytest

from localcloud.provider.guard import Cluster, SimulationMode, cluster_of


def document(aws, **arguments):
    return json.loads(aws.invoke("aws:iam/getPolicyDocument:getPolicyDocument", **arguments)["json"])


def test_aws_tells_the_simulated_account(plugin):
    answer = plugin("aws").invoke("aws:index/getCallerIdentity:getCallerIdentity")
    assert answer["accountId"] == "000000000000"
    assert answer["arn"].startswith("arn:aws:iam::000000000000:")


def test_aws_tells_its_region_partition_and_zones(plugin):
    aws = plugin("aws")
    assert aws.invoke("aws:index/getRegion:getRegion")["region"] == "eu-central-1"
    assert aws.invoke("aws:index/getPartition:getPartition")["partition"] == "aws"
    zones = aws.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", state="available")
    assert zones["names"] == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    fewer = aws.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", excludeNames=["eu-central-1a"])
    assert (fewer["names"], fewer["zoneIds"]) == (
        ["eu-central-1b", "eu-central-1c"],
        ["eu-central-1-az2", "eu-central-1-az3"],
    )


def test_a_policy_document_is_written_as_iam_reads_it(plugin):
    statement = {
        "sid": "Read",
        "actions": ["s3:GetObject"],
        "resources": ["a", "b"],
        "principals": [{"type": "Service", "identifiers": ["rds.amazonaws.com"]}],
        "conditions": [
            {"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["000000000000"]},
            {"test": "StringEquals", "variable": "aws:Region", "values": ["x", "y"]},
        ],
    }
    assert document(plugin("aws"), statements=[statement], policyId="p") == {
        "Version": "2012-10-17",
        "Id": "p",
        "Statement": [
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": ["a", "b"],
                "Principal": {"Service": "rds.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000", "aws:Region": ["x", "y"]}},
            }
        ],
    }


def test_policy_documents_are_joined_and_later_statements_win(plugin):
    source = json.dumps({"Statement": {"Sid": "A", "Effect": "Allow", "Action": "a:*"}})
    override = json.dumps({"Statement": [{"Sid": "B", "Effect": "Deny", "Action": "b:*"}]})
    everybody = [{"type": "*", "identifiers": ["*"]}]
    joined = document(
        plugin("aws"),
        sourcePolicyDocuments=[source],
        statements=[{"sid": "B", "actions": ["b:x"], "principals": everybody}, {"actions": ["c:*"], "effect": "Deny"}],
        overrideJson=override,
    )
    assert [(each.get("Sid"), each["Effect"]) for each in joined["Statement"]] == [
        ("A", "Allow"),
        (None, "Deny"),
        ("B", "Deny"),
    ]


def test_a_password_is_another_one_each_time_and_keeps_to_its_letters(plugin):
    aws = plugin("aws")
    token = "aws:secretsmanager/getRandomPassword:getRandomPassword"
    passwords = {
        aws.invoke(token, passwordLength=40, excludePunctuation=True, excludeCharacters="O0")["randomPassword"]
        for _ in range(3)
    }
    assert len(passwords) == 3
    assert all(len(each) == 40 and each.isalnum() and not set(each) & {"O", "0"} for each in passwords)


def test_azure_tells_the_simulated_subscription(plugin):
    answer = plugin("azure-native").invoke("azure-native:authorization:getClientConfig")
    assert answer["subscriptionId"] == "00000000-0000-0000-0000-000000000000"


def test_the_kubeconfig_of_an_azure_cluster_names_it_and_holds_no_secret(plugin):
    answer = plugin("azure-native").invoke(
        "azure-native:containerservice:listManagedClusterUserCredentials", resourceGroupName="g", resourceName="ledger"
    )
    text = base64.b64decode(answer["kubeconfigs"][0]["value"]).decode()
    assert cluster_of(text) == Cluster("ledger", SimulationMode.LOCAL)
    assert not {"token", "password", "client-key-data"} & set(json.loads(text)["users"][0]["user"])


def test_google_tells_the_simulated_project(plugin):
    gcp = plugin("gcp")
    project = gcp.invoke("gcp:organizations/getProject:getProject")
    assert project["projectId"] == "living-fortress-local"
    assert project["number"].isdigit()
    storage = gcp.invoke("gcp:storage/getProjectServiceAccount:getProjectServiceAccount")
    email = f"service-{project['number']}@gs-project-accounts.iam.gserviceaccount.com"
    assert (storage["emailAddress"], storage["member"]) == (email, f"serviceAccount:{email}")
    config = gcp.invoke("gcp:organizations/getClientConfig:getClientConfig")
    assert (config["region"], config["zone"], config["accessToken"]) == ("europe-west3", "europe-west3-a", "")
    assert gcp.invoke("gcp:compute/getZones:getZones", region="europe-west1")["names"][0] == "europe-west1-b"


@pytest.mark.parametrize(
    ("package", "token", "inputs", "function", "arguments"),
    [
        ("aws", "aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, "aws:ec2/getVpc:getVpc", {"cidrBlock": "10.0.0.0/16"}),
        (
            "azure-native",
            "azure-native:resources:ResourceGroup",
            {"resourceGroupName": "g", "location": "westeurope"},
            "azure-native:resources:getResourceGroup",
            {"resourceGroupName": "g"},
        ),
    ],
)
def test_a_lookup_finds_what_was_made(plugin, package, token, inputs, function, arguments):
    cloud = plugin(package)
    identity, state = cloud.create(token, "it", inputs)
    assert cloud.invoke(function, **arguments) == {"id": identity, **state}
    assert cloud.invoke(function, id=identity)["id"] == identity
    with pytest.raises(grpc.RpcError, match=f"no recorded {token} has id 'other'"):
        cloud.invoke(function, id="other")


@pytest.mark.parametrize(
    ("package", "function", "offered"),
    [
        ("aws", "aws:ec2/describeEverything:describeEverything", "getCallerIdentity"),
        ("kubernetes", "kubernetes:yaml:decode", "it simulates: none"),
    ],
)
def test_a_function_that_is_not_simulated_is_refused_with_those_that_are(plugin, package, function, offered):
    with pytest.raises(grpc.RpcError, match="does not simulate this function") as error:
        plugin(package).invoke(function)
    assert offered in error.value.details()
    assert function in error.value.details()
