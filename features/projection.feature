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

  @promise-13 @needs-stream-faults
  Scenario: Reads never go backwards
    Given batches are repeated on the way to both read models
    And an order that is visible at version 1
    When its customer pays 6 parts while devices read it in every way all the time
    And every batch since the beginning is delivered again to the relay, the publisher and the projector
    Then no device was told an older version than before, or than it asked for

  @promise-14
  Scenario: Lag stays under its bound at the stated load
    Given an order that was paid in parts, confirmed and shipped
    When orders are placed at a rate of 2 a second for 8 seconds
    Then each was visible within 5 seconds of its acceptance
    And the read model says that it lags by less than 2 minutes

  @promise-15 @needs-stream-faults @needs-lost-answers @needs-the-database
  Scenario: The read side converges after faults stop
    Given the database is killed
    And batches are repeated, late, lost and reordered on the way to everybody
    When 6 orders live their life
    And orders go on living until each fault has struck
    And all faults end
    Then within 30 seconds every accepted command is visible in the read model
    And every read model shows the same of these orders
    And every public event is in the ledger once
    And every confirmed order is shipped

  @promise-16
  Scenario: A rebuilt read model equals the live one row by row
    Given 6 orders have lived their life
    And everything has arrived downstream
    When the read model is rebuilt
    Then the new tables were compared with the old ones and nothing differed
    And the event store, the read model, the shipments and the ledger are what they were
    And every read model shows the same of these orders

  @promise-17
  Scenario: A rebuild during writes loses nothing and stops no reader
    Given an order that is visible at version 1
    When the read model is rebuilt while 9 orders live their life and devices read all the time
    Then every read was answered
    And no device was told an older version than before, or than it asked for
    And within 30 seconds every accepted command is visible in the read model
    And every read model shows the same of these orders

  @promise-17 @needs-stream-faults @needs-lost-answers
  Scenario: A rebuild whose new tables fall behind loses nothing
    Given the event store takes 3 seconds to answer each scan
    And the new tables learn of commits 3 seconds late
    When the read model is rebuilt while orders live their life, 3 after 3
    Then within 30 seconds every accepted command is visible in the read model
    And every read model shows the same of these orders

  @promise-18
  Scenario: The state as of any past version or moment equals the replay
    Given an order that was paid in parts, confirmed and shipped
    Then at each of its versions it is shown as its events say up to there
    And at each moment at, before and after its commits it is shown as its events say up to there
    And before its first event and at versions to come there is nothing to show
