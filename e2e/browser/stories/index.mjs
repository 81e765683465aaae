// The stories, those that wait longest first.

import * as approval from './approval.mjs';
import application from './application.mjs';
import claims from './claims.mjs';
import * as conversion from './conversion.mjs';
import deviceCode from './device-code.mjs';
import * as ewsRights from './ews-rights.mjs';
import * as ews from './ews.mjs';
import * as faults from './faults.mjs';
import firstQuarterHour from './first-quarter-hour.mjs';
import jiraConnections from './jira-connections.mjs';
import junk from './junk.mjs';
import keep from './keep.mjs';
import keyboard from './keyboard.mjs';
import * as nationalCloud from './national-cloud.mjs';
import notices from './notices.mjs';
import obstacles from './obstacles.mjs';
import outbounds from './outbounds.mjs';
import ownExchange from './own-exchange.mjs';
import phone from './phone.mjs';
import profiles from './profiles.mjs';
import * as push from './push.mjs';
import * as registration from './registration.mjs';
import revoked from './revoked.mjs';
import shadow from './shadow.mjs';
import sharedBothWays from './shared-both-ways.mjs';
import sharedMailbox from './shared-mailbox.mjs';
import signInLink from './sign-in-link.mjs';
import silence from './silence.mjs';
import sourceLife from './source-life.mjs';
import swap from './swap.mjs';
import tour from './tour.mjs';
import * as consent from './user-consent.mjs';

export const stories = [
  conversion.background, approval.byRequest, faults.needsSomebody, faults.ofOutbounds, faults.passes, conversion.held, firstQuarterHour, registration.credentials, tour, notices, keep, ews.source, ews.outbound, sourceLife, sharedMailbox, approval.byLink, approval.withoutToken,
  approval.takenBack, application, signInLink, outbounds, phone, push.works, push.deaf, obstacles, keyboard, registration.setUp, registration.multiTenant, registration.namedTenant, swap,
  ewsRights.shared, ewsRights.application, ownExchange, sharedBothWays, profiles, jiraConnections, junk, deviceCode, silence, claims, nationalCloud.government, nationalCloud.others, nationalCloud.defense, shadow, consent.userConsent, consent.organisationConsent, revoked,
];
