"""What is done to the deployed stack so that it fails soon, each for as long as a `with` block lasts."""

import json
from contextlib import contextmanager

from stack import STACK, client

ALIAS = "live"  # what every event source calls


@contextmanager
def broken(function):
    """The function ends before it starts working: a setting is wrong."""
    functions, name = client("lambda"), f"{STACK}-{function}"
    given = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    sound = functions.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]

    def set_variables(variables):
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    def go_live(version):
        functions.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version)

    set_variables({**given, "RETRY_DELAYS": "soon"})
    go_live(functions.publish_version(FunctionName=name)["Version"])
    try:
        yield
    finally:
        go_live(sound)
        set_variables(given)


@contextmanager
def impatient_stream(function):
    """The function's stream mapping gives up what it cannot get done. ministack knows no number of retries, only an age;
    and a lesser one than AWS, which wants a minute."""
    functions, name = client("lambda"), f"{STACK}-{function}"
    mappings = functions.list_event_source_mappings(FunctionName=f"{name}:{ALIAS}")["EventSourceMappings"]
    mapping = next(m["UUID"] for m in mappings if ":dynamodb:" in m["EventSourceArn"])
    functions.update_event_source_mapping(UUID=mapping, MaximumRecordAgeInSeconds=1)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping, MaximumRecordAgeInSeconds=-1)


@contextmanager
def short_visibility(stack, queue):
    """A message that a function does not survive comes back after a second, not after six timeouts of it."""
    url = stack.outputs[queue]
    given = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    stack.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    try:
        yield
    finally:
        stack.sqs.set_queue_attributes(QueueUrl=url, Attributes=given)


@contextmanager
def any_stream(role):
    """The role may read any stream. ministack takes no stream for the resource of a request, so what the template permits
    on a stream it permits on nothing; `tests/architecture` holds the template's words to what is asked for."""
    iam, name = client("iam"), "any-stream"
    stack = client("cloudformation")
    found = stack.describe_stack_resource(StackName=STACK, LogicalResourceId=role)["StackResourceDetail"]
    role = found["PhysicalResourceId"]
    actions = ["dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
