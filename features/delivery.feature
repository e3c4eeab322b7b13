Feature: Delivering events downstream
  Batches come repeatedly and answers get lost. Downstream every event counts once.

  @promise-6 @needs-stream-faults @needs-lost-answers
  Scenario: No accepted event is missing downstream, on either way
    Given batches are repeated and their answers lost on the way to the relay, the projector and the publisher
    And the log loses a third of its answers to the relay
    When 9 orders live their life
    And orders go on living until each fault has struck
    Then within 30 seconds every accepted command is visible in the read model
    And every public event is in the ledger once
    And every confirmed order is shipped

  @promise-6 @needs-lost-answers
  Scenario: While the log and the bus are out of reach nothing is lost
    Given the log and the bus are out of reach
    When 9 orders live their life
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

  @promise-8 @needs-stream-faults
  Scenario: Reordered events are applied in version order
    Given commits change places on their way to the relay and the publisher
    And fulfilment, the ledger and the notification do not listen for a while
    When 9 orders live their life
    And what waits for them is shuffled, and some of it doubled
    And they listen again
    Then within 30 seconds every accepted command is visible in the read model
    And every public event is in the ledger once
    And every confirmed order is shipped
    And commits really reached the log before earlier ones of their order

  @promise-9 @needs-stream-faults @needs-lost-answers
  Scenario Outline: A crash between effect and checkpoint repeats nothing
    Given the <function> ends <times> right after its effect
    When 3 orders live their life
    Then within 60 seconds every accepted command is visible in the read model
    And every public event is in the ledger once
    And every confirmed order is shipped

    Examples:
      | function         | times |
      | command          | once  |
      | relay            | twice |
      | publisher        | twice |
      | projector        | twice |
      | status-projector | twice |
      | fulfilment       | twice |
      | command-worker   | once  |
      | ledger           | twice |

  @promise-10 @needs-stream-faults @needs-lost-answers
  Scenario Outline: A partly failed PutRecords or PutEvents neither loses nor reorders
    Given calls of <operation> are <refused>
    And the relay and the publisher are given several commits of an order at once
    When 6 orders live their life
    Then within 60 seconds every accepted command is visible in the read model
    And every public event is in the ledger once
    And every confirmed order is shipped
    And in the log the commits of each order stand in order

    Examples:
      | operation  | refused             |
      | PutRecords | refused in part     |
      | PutRecords | refused as too many |
      | PutEvents  | refused in part     |
      | PutEvents  | refused as too many |

  @promise-11 @needs-stream-faults
  Scenario: A reshard keeps the order of each stream
    Given the delivery of one shard is late
    When 9 orders live their life while the log's shard is split and merged again
    Then within 30 seconds every accepted command is visible in the read model
    And every public event is in the ledger once
    And every confirmed order is shipped
    And in the log the commits of each order stand in order
