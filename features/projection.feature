Feature: Reading what was projected
  The read model is behind the event store by a moment. A read says which version it shows.

  @promise-12
  Scenario: A read with a version token sees that version
    Given an order that is visible at version 1
    When its customer pays a part
    And asks for the order at the version that the payment made
    Then that version of the order is shown

  @promise-12 @needs-stream-faults
  Scenario: A read with a version token says that it cannot show that version yet
    Given an order that is visible at version 1
    And nothing more reaches the read model
    When its customer pays a part
    And asks for the order at the version that the payment made
    Then the customer is told that only version 1 is visible yet
    But an ordinary read still shows version 1
    When the projector goes on
    Then within 10 seconds the order is shown at the version that the payment made
