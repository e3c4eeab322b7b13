"""What can't be translated is an error that names it, before anything is made."""

import pytest

from bitacora.provision.errors import ProvisionError
from tests.provision.conftest import Bench


def refusal(bench: Bench, program: str) -> str:
    bench.write(program)
    with pytest.raises(ProvisionError) as error:
        bench.up()
    return str(error.value)


def test_a_type_that_is_not_translated(unreached: Bench) -> None:
    message = refusal(unreached, 'aws.sfn.Activity("steps", name="steps")')
    assert message.startswith("aws:sfn/activity:Activity 'steps' (infra/__main__.py:")
    assert "this type is not translated" in message


def test_an_input_that_is_not_translated(unreached: Bench) -> None:
    message = refusal(unreached, 'aws.sqs.Queue("q", name="q", name_prefix="x")')
    assert "aws:sqs/queue:Queue 'q' (infra/__main__.py:" in message
    assert "input namePrefix" in message


def test_a_typo_inside_a_dictionary(unreached: Bench) -> None:
    message = refusal(
        unreached,
        """
        aws.kinesis.Stream("log", name="log", stream_mode_details={"streamMood": "ON_DEMAND"})
        """,
    )
    assert "input streamModeDetails.streamMood is not translated to CreateStream" in message


def test_a_value_outside_its_enumeration(unreached: Bench) -> None:
    message = refusal(
        unreached,
        """
        aws.dynamodb.Table("t", name="t1t", hash_key="k", billing_mode="FREE",
                           attributes=[{"name": "k", "type": "S"}])
        """,
    )
    assert "CreateTable: BillingMode: 'FREE' is not one of PROVISIONED, PAY_PER_REQUEST" in message


def test_an_output_that_the_engine_does_not_return(bench: Bench) -> None:
    message = refusal(
        bench,
        """
        role = aws.iam.Role("r", name="refused-output", assume_role_policy=document(TRUST))
        aws.sqs.Queue("q", name=pulumi.Output.concat("q-", role.create_date))
        """,
    )
    assert "aws:sqs/queue:Queue 'q'" in message
    assert "input name reads an output of aws:iam/role:Role r" in message


def test_an_export_of_an_output_that_the_engine_does_not_return(bench: Bench) -> None:
    message = refusal(
        bench,
        """
        role = aws.iam.Role("r", name="refused-export", assume_role_policy=document(TRUST))
        pulumi.export("since", role.create_date)
        """,
    )
    assert message.startswith("export since reads an output that the embedded engine")


def test_a_resource_declared_twice(bench: Bench) -> None:
    twice = 'aws.sqs.Queue("q", name="declared-twice")\n'
    assert "declared twice" in refusal(bench, twice + twice)


def test_a_function_call_that_is_not_translated(unreached: Bench) -> None:
    message = refusal(unreached, 'aws.sqs.get_queue(name="q")')
    assert message.startswith("function aws:sqs/getQueue:getQueue: ")


def test_a_failure_that_the_program_catches_is_told_all_the_same(unreached: Bench) -> None:
    program = """
    try:
        aws.sqs.get_queue(name="q")
    except Exception:
        pass
    """
    assert "is not translated" in refusal(unreached, program)


def test_an_existing_resource_that_is_read(unreached: Bench) -> None:
    message = refusal(unreached, 'aws.sqs.Queue.get("q", "http://127.0.0.1/q")')
    assert "reading an existing resource (.get) is not translated" in message


@pytest.mark.parametrize("option", ["ignore_changes=['tags.a']", "import_='q'"])
def test_an_option_that_would_change_what_is_made(unreached: Bench, option: str) -> None:
    message = refusal(
        unreached, f'aws.sqs.Queue("q", name="q", opts=pulumi.ResourceOptions({option}))'
    )
    assert "is not translated" in message


def test_the_programs_own_fault_has_its_place(unreached: Bench) -> None:
    assert refusal(unreached, 'raise TypeError("no such thing")').startswith("infra/__main__.py:")


def test_the_programs_word_to_a_person_stands_alone(unreached: Bench) -> None:
    assert refusal(unreached, 'raise pulumi.RunError("kit:size is 7")') == "kit:size is 7"


def test_nothing_is_printed_beside_the_error(
    unreached: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    refusal(
        unreached,
        """
        first = aws.sfn.Activity("steps", name="steps")
        for n in range(20):
            aws.sqs.Queue(f"q{n}", name=first.name)
        """,
    )
    assert capfd.readouterr() == ("", "")


def test_a_region_that_the_cloud_is_not_in(unreached: Bench) -> None:
    unreached.write("")
    with pytest.raises(ProvisionError, match=r"aws:region is eu-west-1; .* us-east-1"):
        unreached.up({"aws:region": "eu-west-1"})
