// The stories, those that wait longest first.

import * as approval from './approval.mjs';
import application from './application.mjs';
import deviceCode from './device-code.mjs';
import * as ews from './ews.mjs';
import * as faults from './faults.mjs';
import firstQuarterHour from './first-quarter-hour.mjs';
import keyboard from './keyboard.mjs';
import notices from './notices.mjs';
import outbounds from './outbounds.mjs';
import phone from './phone.mjs';
import push from './push.mjs';
import * as registration from './registration.mjs';
import revoked from './revoked.mjs';
import shadow from './shadow.mjs';
import sharedMailbox from './shared-mailbox.mjs';
import signInLink from './sign-in-link.mjs';
import sourceLife from './source-life.mjs';
import swap from './swap.mjs';
import tour from './tour.mjs';
import * as consent from './user-consent.mjs';

export const stories = [
  approval.byRequest, faults.needsSomebody, faults.passes, firstQuarterHour, registration.credentials, tour, notices, ews.source, ews.outbound, sourceLife, sharedMailbox, approval.byLink,
  approval.takenBack, application, signInLink, outbounds, phone, push, keyboard, registration.setUp, registration.multiTenant, registration.namedTenant, swap,
  deviceCode, shadow, consent.userConsent, consent.organisationConsent, revoked,
];
