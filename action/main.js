'use strict';
// Before the steps that use the login. Everything is decided in the program.
require('./shared.js').run('main');
