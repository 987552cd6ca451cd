/** Version of this package. */
export const version: string = '1.0.0-alpha.1';
