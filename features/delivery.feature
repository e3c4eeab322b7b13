Feature: Delivering events downstream
  Batches come repeatedly and answers get lost. Downstream every event counts once.

  @promise-6 @needs-stream-faults @needs-lost-answers
  Scenario: No accepted event is missing downstream, on either way
    Given batches are repeated and their answers lost on the way to the relay, the projector and the publisher
    And the log loses a third of its answers to the relay
    When 12 orders live their life
    Then within 30 seconds every accepted command is visible in the read model
    And every public event is in the ledger once
    And every confirmed order is shipped
    And batches were really repeated and answers really lost

  @promise-6 @needs-lost-answers
  Scenario: While the log and the bus are out of reach nothing is lost
    Given the log and the bus are out of reach
    When 12 orders live their life
    And the log and the bus can be reached again
    Then within 30 seconds every accepted command is visible in the read model
    And every public event is in the ledger once
    And every confirmed order is shipped

  @promise-7 @needs-stream-faults
  Scenario: Repeated batches change nothing
    Given 6 orders have lived their life
    And everything has arrived downstream
    When every batch since the beginning is delivered again to the relay, the publisher and the projector
    Then the event store, the read model, the shipments and the ledger are what they were
